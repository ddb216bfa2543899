"""From sources to notebooks: cells, holes, navigation, execution, and the path table."""
