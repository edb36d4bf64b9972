"""Networks as ONNX files, and the editor as a folder of static files."""
