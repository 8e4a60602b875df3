"""Find the pores of a micrograph and outline them."""
