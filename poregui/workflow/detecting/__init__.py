"""Find and measure the pores of a project's micrographs."""
