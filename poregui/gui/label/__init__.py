"""The page on which pores are cropped and labelled."""
