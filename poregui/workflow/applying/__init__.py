"""Apply a trained run to micrographs: find, measure and classify every pore, and sum up porosity
per class.
"""
