"""Money, periods, ids, errors and rounding: pure, without dependencies."""
