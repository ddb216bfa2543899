"""The fraud windows once more, in Flink's DataStream API: what the SQL form is measured against."""
