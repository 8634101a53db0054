// The scheduler decides for everything in this process: one schedule at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
