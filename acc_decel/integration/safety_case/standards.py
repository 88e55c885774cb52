"""Where such evidence is asked for: standards and their topics, without clause numbers, which a person must add."""

VALIDATION, CAUSES = "ISO 21448, validation", "ISO 21448, triggering conditions"
AI = "ISO/PAS 8800, properties of the AI element"
UNIT, INTEGRATION = "ISO 26262-6, unit verification", "ISO 26262-6, integration and verification"
TOOLS, SYSTEM = "ISO 26262-8, confidence in tools", "ISO 26262-4 and -5, integration into the item"
CONCEPT = "ISO 26262-3, concept phase"
TRACING = "ISO 26262-8, configuration management"
