"""What users write and read: the NodeNetworkState object, its conditions and its CRD."""
