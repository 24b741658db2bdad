package control

import (
	"net/http"
	"time"

	"fairlead"
)

// Source says where the configuration in force comes from.
type Source string

// The sources of a configuration.
const (
	SourceFile        Source = "file"        // `-c FILE`, watched
	SourceEnvironment Source = "environment" // the providers whose keys are in the environment
	SourceBuiltin     Source = "builtin"     // the fake provider
)

// Status is what the control plane shows of this node's data plane.
type Status struct {
	Config    ConfigStatus
	Endpoints []EndpointStatus
}

// ConfigStatus is the state of the configuration.
type ConfigStatus struct {
	Revision int64     `json:"revision"`
	Source   Source    `json:"source"`
	File     string    `json:"file,omitempty"`
	Loaded   time.Time `json:"loaded"`          // when the revision in force came into force
	Error    string    `json:"error,omitempty"` // why a later edit of the file was refused; "" where none was
}

// EndpointStatus is a live endpoint.
type EndpointStatus struct {
	ID       string           `json:"id"`
	Model    string           `json:"model"`
	Provider string           `json:"provider"`
	Dialect  fairlead.Dialect `json:"dialect"`
	Upstream string           `json:"upstream,omitempty"` // "" under a wildcard
	Region   string           `json:"region,omitempty"`
	Weight   int              `json:"weight"`
	Context  int              `json:"context,omitempty"` // tokens; left out = unknown
	Price    *PriceStatus     `json:"price"`             // null = unknown
}

// PriceStatus is an endpoint's price in USD per million tokens, as decimal strings.
type PriceStatus struct {
	Input      string `json:"input"`
	Output     string `json:"output"`
	CacheRead  string `json:"cache_read"`
	CacheWrite string `json:"cache_write"`
}

// Endpoints shows every endpoint of a snapshot.
func Endpoints(s *fairlead.Snapshot) []EndpointStatus {
	list := make([]EndpointStatus, 0, len(s.Endpoints))
	for _, e := range s.Endpoints {
		show := EndpointStatus{
			ID: e.ID, Model: e.Model.Name, Provider: e.Provider.Name, Dialect: e.Provider.Dialect,
			Upstream: e.Upstream, Region: e.Region, Weight: e.Weight, Context: e.Context,
		}
		if p := e.Price; p != nil {
			show.Price = &PriceStatus{p.Input.String(), p.Output.String(), p.CacheRead.String(), p.CacheWrite.String()}
		}
		list = append(list, show)
	}
	return list
}

func (c *control) config(*http.Request) (int, any, error) {
	return http.StatusOK, c.Status().Config, nil
}

func (c *control) endpoints(*http.Request) (int, any, error) {
	list := c.Status().Endpoints
	if list == nil {
		list = []EndpointStatus{}
	}
	return http.StatusOK, map[string][]EndpointStatus{"data": list}, nil
}

// forgetHealth drops everything that is held against endpoints on this node: open breakers, cooldowns,
// credentials that were refused, what was learned of their speed.
func (c *control) forgetHealth(*http.Request) (int, any, error) {
	if c.Forget != nil {
		c.Forget()
	}
	return http.StatusOK, map[string]bool{"forgotten": true}, nil
}

// refuseConfig answers a write to the configuration: there is one truth at a time, and it is not here.
func (c *control) refuseConfig(*http.Request) (int, any, error) {
	s := c.Status().Config
	e := &fairlead.Error{
		Code:    fairlead.CodeConflict,
		Message: "the configuration comes from the " + string(s.Source) + " and cannot be written here",
		Hint:    "start with -c FILE and edit the file",
	}
	if s.Source == SourceFile {
		e.Message = "the file " + s.File + " is the truth about the configuration"
		e.Hint = "edit the file: it is watched, and a valid edit applies at once"
	}
	return 0, nil, e
}
