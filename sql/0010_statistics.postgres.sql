-- A tenth of the usual sample: which contents are whose takes no more to be known, and of 100,000 unchanged products a
-- tenth of the time of a whole sync went into reading what the statistics are made of.
alter function staging_treez.analyze_received() set default_statistics_target = 10;
