"""Lay out reports, figures and sheets."""
