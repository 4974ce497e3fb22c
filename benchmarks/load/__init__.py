"""The load for `bots.py`: fake platforms on one fast server, and the bots as processes of their own."""
