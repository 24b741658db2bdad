package compile

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"

	"fairlead"
)

// freeWord in the place of a price says that everything costs 0.
const freeWord = "free"

var priceType = reflect.TypeFor[fairlead.PriceConfig]()

// isFree reports whether v is a price that is written as a word.
func isFree(v reflect.Value) bool {
	return v.Type() == priceType && v.FieldByName("Free").Bool()
}

// readPrice reads a price, or the word in its place.
func readPrice(d *jsontext.Decoder, p *fairlead.PriceConfig) error {
	type members fairlead.PriceConfig // without its methods, which are less strict
	if d.PeekKind() != '"' {
		return json.UnmarshalDecode(d, (*members)(p))
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	if token.String() != freeWord {
		return errText
	}
	p.Free = true
	return nil
}

// free reads a scalar in the place of a price.
func (d *decoder) free(n *yaml.Node, v reflect.Value, path string) {
	d.src.at[path] = position{n.Line, n.Column}
	if n.ShortTag() != "!!str" || n.Value != freeWord {
		d.fault(n, path, "must be a mapping (name: value) or the word free, is "+kind(n), "")
		return
	}
	v.FieldByName("Free").SetBool(true)
}

func (k *checker) price(path string, p *fairlead.PriceConfig) {
	if p == nil || p.Free {
		return
	}
	for _, needed := range []struct{ name, value string }{{"input", p.Input}, {"output", p.Output}} {
		if needed.value == "" { // a price that is half known would bill the other half as free
			k.fault(path, needed.name+" is missing", `write "0" where it is free, or leave the whole price out where it is unknown`)
		}
	}
	k.rates(path, p)
	for i := range p.Tiers {
		at, t := item(path+".tiers", i), &p.Tiers[i]
		switch {
		case t.Above < 1:
			k.fault(at+".above", "must be 1 or more: tokens of the prompt beyond which the tier holds", "")
		case i > 0 && t.Above <= p.Tiers[i-1].Above:
			k.fault(at+".above", fmt.Sprintf("must be more than the %d of the tier before", p.Tiers[i-1].Above), "the lowest tier stands first")
		}
		if own := over(t, &fairlead.PriceConfig{}); reflect.ValueOf(own).IsZero() {
			k.warn(at, "states no price: the one that it is a tier of holds there", "")
		} else {
			k.rates(at, &own)
		}
	}
}

// rates checks the amounts of a price or of a tier.
func (k *checker) rates(path string, p *fairlead.PriceConfig) {
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		value := v.Field(i)
		if value.Kind() != reflect.String || value.String() == "" {
			continue
		}
		at := path + "." + v.Type().Field(i).Tag.Get("json")
		if value.Len() > maxShown {
			k.fault(at, "is too long for a price", "")
		} else if _, err := fairlead.ParseUnitPrice(value.String()); err != nil {
			k.fault(at, err.Error(), "")
		}
	}
}

// over lays what a tier states over the price that it is a tier of.
func over(t *fairlead.TierConfig, p *fairlead.PriceConfig) fairlead.PriceConfig {
	return fairlead.PriceConfig{
		Input:       cmp.Or(t.Input, p.Input),
		Output:      cmp.Or(t.Output, p.Output),
		CacheRead:   cmp.Or(t.CacheRead, p.CacheRead),
		CacheWrite:  cmp.Or(t.CacheWrite, p.CacheWrite),
		Reasoning:   cmp.Or(t.Reasoning, p.Reasoning),
		AudioInput:  cmp.Or(t.AudioInput, p.AudioInput),
		AudioOutput: cmp.Or(t.AudioOutput, p.AudioOutput),
		Image:       cmp.Or(t.Image, p.Image),
		Request:     cmp.Or(t.Request, p.Request),
	}
}

// price compiles a price that was checked; nil stays nil.
func price(c *fairlead.PriceConfig) *fairlead.Price {
	if c == nil {
		return nil
	}
	p := rates(c)
	for i := range c.Tiers {
		own := over(&c.Tiers[i], c)
		p.Tiers = append(p.Tiers, fairlead.Tier{Above: int64(c.Tiers[i].Above), Price: rates(&own)})
	}
	return &p
}

// rates fills in what a price leaves out.
func rates(c *fairlead.PriceConfig) fairlead.Price {
	unit := func(s ...string) fairlead.UnitPrice {
		v, _ := fairlead.ParseUnitPrice(cmp.Or(s...)) // checked before; "" is 0
		return v
	}
	return fairlead.Price{
		Input:       unit(c.Input),
		Output:      unit(c.Output),
		CacheRead:   unit(c.CacheRead, c.Input),
		CacheWrite:  unit(c.CacheWrite, c.Input),
		Reasoning:   unit(c.Reasoning, c.Output),
		AudioInput:  unit(c.AudioInput, c.Input),
		AudioOutput: unit(c.AudioOutput, c.Output),
		Image:       unit(c.Image),
		Request:     unit(c.Request),
	}
}

// tierText is a tier as differences show it: "above 200000 (input 2.5, output 15)".
func tierText(v reflect.Value) string {
	var parts []string
	for _, f := range shapes[v.Type()] {
		if text := v.Field(f.index); text.Kind() == reflect.String && text.String() != "" {
			parts = append(parts, f.name+" "+amount("price."+f.name, text.String()))
		}
	}
	return fmt.Sprintf("above %d (%s)", v.FieldByName("Above").Int(), strings.Join(parts, ", "))
}
