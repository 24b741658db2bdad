package gateway

import (
	"fairlead"
	"fairlead/meter"
)

// tokensOfMedia is what an image, a sound or a file counts where a prompt has to be estimated: the least
// that providers count for an image.
const tokensOfMedia = 85

// prompt estimates the tokens of the prompt. An image costs some, but not by the bytes of its base64.
func (x *exchange) prompt(per fairlead.TokenBytes) int64 {
	facts := &x.ask.Facts
	return per.Tokens(x.rec.BytesIn-facts.Media) + int64(facts.MediaParts)*tokensOfMedia
}

// meter begins the reading of what the committed answer consumes: an image counts, but where tokens are only counted.
func (x *exchange) meter() {
	per := x.answer.Step.Endpoint.Model.BytesPerToken
	x.reading = meter.Reading{Prompt: x.prompt(per), BytesPerToken: per, Images: int64(x.ask.Facts.Images)}
	if x.rec.Operation == fairlead.OpCountTokens {
		x.reading.Images = 0
	}
}

// meterStream takes what a stream knows at its end.
func (x *exchange) meterStream() {
	if x.answer.Stream != nil {
		x.reading.Reported, x.reading.HasUsage = x.walk.Usage()
		x.reading.Final = x.rec.Code == "" || x.walk.Complete()
		x.reading.Delivered, x.reading.Silent = x.walk.Delivered()-x.unheard, !x.walk.Spoke()
	}
}
