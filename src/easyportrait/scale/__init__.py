"""The package's work over many machines: Ray Data shares it out, nothing here does.

    engine    a function over many items, on the machines of a Ray cluster
    store     files on a disk or in a bucket, by fsspec's names; each appears whole
    plan      which pictures there are, cut into parts; kept, so that a job goes on
    task      what is done to one picture
    keep      how the results of a part are kept: files, a tar, a Parquet file
    part      one part, from its list to its line in the manifest
    job       all of it

Ray is imported when a job starts, and not before.
"""
