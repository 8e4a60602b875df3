"""Hold the main window, its menus and what spans pages."""
