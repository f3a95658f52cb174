"""Physics of many simulations of one MuJoCo model, as functions of state rows."""
