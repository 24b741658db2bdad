package ship

// MarshalFrames is what an ask with frames is.
var MarshalFrames = marshalFrames
