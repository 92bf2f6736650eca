"""Reading of YAML configs as settings, and patches of them."""
