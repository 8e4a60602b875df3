"""Check how well pores were found, in windows that a person looks at."""
