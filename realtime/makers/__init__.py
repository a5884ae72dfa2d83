"""How each stage is made of a run's options. Stages are imported when they are made."""
