"""What the command line offers beside the agent: show, diff, prune."""
