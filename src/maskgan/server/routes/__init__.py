"""What the server answers: one file for each part of the editor. Routes are thin; the work is done elsewhere."""
