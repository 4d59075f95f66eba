"""Long runs. `make soak` runs them in full, `make test` with a fraction of the rounds."""
