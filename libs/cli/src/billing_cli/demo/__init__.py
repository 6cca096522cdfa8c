"""The demo: three months of billing, through REST alone, with every amount worked out a second time."""
