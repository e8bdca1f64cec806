"""A Treez to practise on: a made-up shop behind the contract's API, which moves by day and misbehaves on request."""
