"""The editor's HTTP side, with its web page."""
