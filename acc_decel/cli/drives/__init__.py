"""The commands for recorded drives. They need the extra [drives]."""
