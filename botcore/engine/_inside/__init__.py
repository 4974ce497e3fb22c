"""What only vLLM's processes import: `botcore.engine.inside` copies it to where they find it."""
