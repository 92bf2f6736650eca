"""Many jobs of one kind: in this process, on all cores, or on a Dask cluster, with a journal that nothing is lost from."""
