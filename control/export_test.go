package control

// YAMLPart is how much of a document is made YAML at once.
const YAMLPart = yamlPart
