"""A recorded session mixed again: turn up the guitar, take the drum away (paper, section 6)."""
