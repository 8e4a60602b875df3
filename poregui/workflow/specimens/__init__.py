"""Know what was done to specimens, and join it to their pores."""
