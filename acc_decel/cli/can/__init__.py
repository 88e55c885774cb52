"""The commands for a CAN bus: its DBC, the C task, a virtual ECU, and a demonstration."""
