"""Ask a person for plain values and return them; dialogs know no project."""
