package control

import "fairlead"

// PriceStatus is an endpoint's price in USD per million tokens, as decimal strings; all of it is stated.
type PriceStatus struct {
	RatesStatus
	Tiers []TierStatus `json:"tiers,omitempty"` // the lowest first
}

// TierStatus is the price of exchanges whose whole prompt has more tokens than Above.
type TierStatus struct {
	Above int64 `json:"above"`
	RatesStatus
}

// RatesStatus is what a price is made of.
type RatesStatus struct {
	Input       string `json:"input"`
	Output      string `json:"output"`
	CacheRead   string `json:"cache_read"`
	CacheWrite  string `json:"cache_write"`
	Reasoning   string `json:"reasoning"`
	AudioInput  string `json:"audio_input"`
	AudioOutput string `json:"audio_output"`
	Image       string `json:"image"`   // per million images in prompts
	Request     string `json:"request"` // per million requests
}

func showPrice(p *fairlead.Price) *PriceStatus {
	if p == nil {
		return nil
	}
	show := PriceStatus{RatesStatus: showRates(p)}
	for i := range p.Tiers {
		show.Tiers = append(show.Tiers, TierStatus{p.Tiers[i].Above, showRates(&p.Tiers[i].Price)})
	}
	return &show
}

func showRates(p *fairlead.Price) RatesStatus {
	return RatesStatus{
		Input: p.Input.String(), Output: p.Output.String(), CacheRead: p.CacheRead.String(), CacheWrite: p.CacheWrite.String(),
		Reasoning: p.Reasoning.String(), AudioInput: p.AudioInput.String(), AudioOutput: p.AudioOutput.String(),
		Image: p.Image.String(), Request: p.Request.String(),
	}
}
