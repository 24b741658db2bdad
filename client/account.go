package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"time"

	"fairlead"
)

// Account is an account as the control plane shows it.
type Account struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  time.Time         `json:"created"`
	Closed   *time.Time        `json:"closed,omitempty"` // nil while its keys may be used
}

// Team is a team of an account.
type Team struct {
	ID       string            `json:"id"`
	Account  string            `json:"account"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  time.Time         `json:"created"`
	Closed   *time.Time        `json:"closed,omitempty"`
}

// AccountPatch is what is to be changed of an account or a team; nil stays. Metadata is replaced as a whole.
type AccountPatch struct {
	Name     *string            `json:"name,omitempty"`
	Metadata *map[string]string `json:"metadata,omitempty"`
}

// newAccount is an account or a team to be made.
type newAccount struct {
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// errNoID keeps an empty id from naming the whole list.
var errNoID = errors.New("no id")

// CreateAccount makes an account.
func (c *Client) CreateAccount(ctx context.Context, name string, metadata map[string]string) (a Account, err error) {
	err = c.call(ctx, http.MethodPost, []string{"accounts"}, nil, newAccount{name, metadata}, &a)
	return a, err
}

// Account gives an account.
func (c *Client) Account(ctx context.Context, id string) (a Account, err error) {
	if id == "" {
		return a, errNoID
	}
	err = c.get(ctx, nil, &a, "accounts", id)
	return a, err
}

// Accounts goes through all accounts in the order of their creation, closed ones included, a page at a time.
func (c *Client) Accounts(ctx context.Context) iter.Seq2[Account, error] {
	return pages[Account](ctx, c, "after", nil, "accounts")
}

// PatchAccount changes an account and gives it.
func (c *Client) PatchAccount(ctx context.Context, id string, p AccountPatch) (a Account, err error) {
	if id == "" {
		return a, errNoID
	}
	err = c.call(ctx, http.MethodPatch, []string{"accounts", id}, nil, p, &a)
	return a, err
}

// CloseAccount closes an account for good and gives it; again, it gives it with the time of the first call.
func (c *Client) CloseAccount(ctx context.Context, id string) (a Account, err error) {
	if id == "" {
		return a, errNoID
	}
	err = c.call(ctx, http.MethodPost, []string{"accounts", id, "close"}, nil, nil, &a)
	return a, err
}

// CreateTeam makes a team of an account.
func (c *Client) CreateTeam(ctx context.Context, account, name string, metadata map[string]string) (t Team, err error) {
	if account == "" {
		return t, errNoID
	}
	err = c.call(ctx, http.MethodPost, []string{"accounts", account, "teams"}, nil, newAccount{name, metadata}, &t)
	return t, err
}

// Team gives a team of an account.
func (c *Client) Team(ctx context.Context, account, id string) (t Team, err error) {
	if account == "" || id == "" {
		return t, errNoID
	}
	err = c.get(ctx, nil, &t, "accounts", account, "teams", id)
	return t, err
}

// Teams goes through the teams of an account, as Accounts does through accounts.
func (c *Client) Teams(ctx context.Context, account string) iter.Seq2[Team, error] {
	return pages[Team](ctx, c, "after", nil, "accounts", account, "teams")
}

// PatchTeam changes a team and gives it.
func (c *Client) PatchTeam(ctx context.Context, account, id string, p AccountPatch) (t Team, err error) {
	if account == "" || id == "" {
		return t, errNoID
	}
	err = c.call(ctx, http.MethodPatch, []string{"accounts", account, "teams", id}, nil, p, &t)
	return t, err
}

// CloseTeam closes a team for good, as CloseAccount does an account.
func (c *Client) CloseTeam(ctx context.Context, account, id string) (t Team, err error) {
	if account == "" || id == "" {
		return t, errNoID
	}
	err = c.call(ctx, http.MethodPost, []string{"accounts", account, "teams", id, "close"}, nil, nil, &t)
	return t, err
}

// KeyTerms is what a key may do, for whom and until when.
type KeyTerms struct {
	Account   string            `json:"account,omitempty"`
	Team      string            `json:"team,omitempty"`
	Owner     string            `json:"owner,omitempty"`
	Models    []string          `json:"models,omitempty"`    // globs; none = all
	Endpoints []string          `json:"endpoints,omitempty"` // globs; none = all
	Expires   *time.Time        `json:"expires,omitempty"`   // nil = never
	Disabled  bool              `json:"disabled,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// KeyPatch is what is to be changed of a key; nil stays. Lists and metadata are replaced as wholes.
type KeyPatch struct {
	Name      *string            `json:"name,omitempty"`
	Owner     *string            `json:"owner,omitempty"`
	Models    *[]string          `json:"models,omitempty"`
	Endpoints *[]string          `json:"endpoints,omitempty"`
	Expires   *string            `json:"expires,omitempty"` // RFC 3339; "" = never
	Disabled  *bool              `json:"disabled,omitempty"`
	Metadata  *map[string]string `json:"metadata,omitempty"`
}

// Key gives a key.
func (c *Client) Key(ctx context.Context, id string) (k Key, err error) {
	if id == "" {
		return k, errNoID
	}
	err = c.get(ctx, nil, &k, "keys", id)
	return k, err
}

// PatchKey changes a key and gives it.
func (c *Client) PatchKey(ctx context.Context, id string, p KeyPatch) (k Key, err error) {
	if id == "" {
		return k, errNoID
	}
	err = c.call(ctx, http.MethodPatch, []string{"keys", id}, nil, p, &k)
	return k, err
}

// RotateKey gives a key another secret; the one before stays good for the grace. A call that failed on its way may have rotated it all
// the same, to a secret that nobody knows.
func (c *Client) RotateKey(ctx context.Context, id string, grace time.Duration) (k NewKey, err error) {
	if id == "" {
		return k, errNoID
	}
	err = c.call(ctx, http.MethodPost, []string{"keys", id, "rotate"}, nil, map[string]fairlead.Duration{"grace": fairlead.Duration(grace)}, &k)
	return k, err
}
