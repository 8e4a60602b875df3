"""Keep what people decide and what machines make: the project database, the crop pixels and the run
folders.
"""
