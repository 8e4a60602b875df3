"""Numbers over crops, pores and specimens: scores, intervals, splits, calibration, porosity."""
