"""Files at URLs: a local copy is made within bounds, before anything else looks at them."""
