"""Build, do and undo the edits of a project."""
