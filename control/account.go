package control

import (
	"cmp"
	"time"

	"fairlead"
)

// accountAnswer is an account as the API shows it.
type accountAnswer struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  time.Time         `json:"created"`
	Closed   *time.Time        `json:"closed,omitempty"`
	Behind   []string          `json:"behind,omitempty"` // live nodes that do not know yet
}

type accountsAnswer struct {
	Data []accountAnswer `json:"data"`
	Next string          `json:"next,omitempty"` // what to list after for the rest; "" at the end
}

// accountBody is an account or a team to be made.
type accountBody struct {
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// accountPatch is what is to be changed of one; what it leaves out stays. Metadata is replaced as a whole.
type accountPatch struct {
	Name     *string            `json:"name,omitempty"`
	Metadata *map[string]string `json:"metadata,omitempty"`
}

func showAccount(a *fairlead.Account) accountAnswer {
	return accountAnswer{ID: a.ID, Name: a.Name, Metadata: a.Metadata, Created: a.Created, Closed: shownTime(a.Closed)}
}

// tidied has metadata without members be none.
func tidied(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return m
}

func (c *Control) createAccount(a *ask) (any, error) {
	var body accountBody
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	now := c.Now().UTC().Truncate(time.Microsecond)
	account := fairlead.Account{ID: fairlead.NewID("acc_"), Name: body.Name, Metadata: tidied(body.Metadata), Created: now}
	if err := account.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := detach(a.Context())
	defer cancel()
	change, err := c.Store.CreateAccount(ctx, account, a.act(now, "account.create", account.ID))
	if err != nil {
		return nil, err
	}
	answer := showAccount(&account)
	if answer.Behind, err = c.spread(ctx, a, change); err != nil {
		return nil, notTaken("account "+account.ID, err)
	}
	return answer, nil
}

// notTaken says that what is stored did not reach this node's data plane, which brings it again by itself.
func notTaken(what string, err error) error {
	return &fairlead.Error{
		Code:    fairlead.CodeInternal,
		Message: what + " is stored, but this node's data plane could not take it yet",
		Hint:    "the server's log has the cause",
		Err:     err,
	}
}

func (c *Control) getAccount(a *ask) (any, error) {
	account, err := c.Store.Account(a.Context(), a.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return showAccount(&account), nil
}

// listAccounts lists accounts in the order of their creation, a page at a time.
func (c *Control) listAccounts(a *ask) (any, error) {
	most, err := a.number("limit", pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	all, err := c.Store.Accounts(a.Context(), a.query["after"], int(most)+1)
	if err != nil {
		return nil, err
	}
	answer := accountsAnswer{Data: make([]accountAnswer, 0, len(all))}
	if len(all) > int(most) { // one more than asked for: there is a rest
		all = all[:most]
		answer.Next = all[most-1].ID
	}
	for i := range all {
		answer.Data = append(answer.Data, showAccount(&all[i]))
	}
	return answer, nil
}

func (c *Control) patchAccount(a *ask) (any, error) {
	var patch accountPatch
	if err := readBody(a.Request, &patch); err != nil {
		return nil, err
	}
	return c.updateAccount(a, a.act(c.Now(), "account.patch", shortened(a.PathValue("id"))), func(to *fairlead.Account) error {
		if !to.Active() {
			return fairlead.Errorf(fairlead.CodeConflict, "the account is closed")
		}
		set(&to.Name, patch.Name)
		set(&to.Metadata, patch.Metadata)
		to.Metadata = tidied(to.Metadata)
		return to.Validate()
	})
}

// closeAccount closes an account for good; again, it gives the account as it is.
func (c *Control) closeAccount(a *ask) (any, error) {
	act, err := c.ending(a, "account.close", a.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return c.updateAccount(a, act, func(to *fairlead.Account) error {
		if to.Active() {
			to.Closed = act.At
		}
		return nil
	})
}

// ending is the act of a request that may say why in its body.
func (c *Control) ending(a *ask, action, target string) (fairlead.Act, error) {
	var body whyBody
	if err := readOptional(a.Request, &body); err != nil {
		return fairlead.Act{}, err
	}
	act := a.act(c.Now(), action, shortened(target))
	act.Why = cmp.Or(act.Why, body.Why)
	return act, validWhy(body.Why)
}

func (c *Control) updateAccount(a *ask, act fairlead.Act, f func(*fairlead.Account) error) (any, error) {
	ctx, cancel := detach(a.Context())
	defer cancel()
	account, change, err := c.Store.UpdateAccount(ctx, a.PathValue("id"), act, f)
	if err != nil {
		return nil, err
	}
	answer := showAccount(&account)
	if answer.Behind, err = c.spreadAgain(ctx, a, change, fairlead.ChangeAccount); err != nil {
		return nil, stillAdmits("account "+account.ID+" is changed", "do it again", err)
	}
	c.Log.InfoContext(ctx, "account changed", "account", account.ID, "closed", !account.Active(), "by", a.who.name)
	return answer, nil
}
