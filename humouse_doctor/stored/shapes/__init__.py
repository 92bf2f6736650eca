"""The contents of the tool's files as types: files are decoded into them, and their JSON Schemas are made from them.

Every field must be there; fields that are not named are passed over. Equal names in `core` have the same meaning there.
These modules import msgspec, and making their types takes milliseconds: a command imports those of the files that it reads.
Annotations are evaluated at once, since msgspec would compile and evaluate each as text.
"""
