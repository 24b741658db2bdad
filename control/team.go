package control

import (
	"time"

	"fairlead"
)

// teamAnswer is a team as the API shows it.
type teamAnswer struct {
	ID       string            `json:"id"`
	Account  string            `json:"account"`
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Created  time.Time         `json:"created"`
	Closed   *time.Time        `json:"closed,omitempty"`
	Behind   []string          `json:"behind,omitempty"` // live nodes that do not know yet
}

type teamsAnswer struct {
	Data []teamAnswer `json:"data"`
	Next string       `json:"next,omitempty"` // what to list after for the rest; "" at the end
}

func showTeam(t *fairlead.Team) teamAnswer {
	return teamAnswer{ID: t.ID, Account: t.Account, Name: t.Name, Metadata: t.Metadata, Created: t.Created, Closed: shownTime(t.Closed)}
}

func (c *Control) createTeam(a *ask) (any, error) {
	var body accountBody
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	now := c.Now().UTC().Truncate(time.Microsecond)
	team := fairlead.Team{ID: fairlead.NewID("team_"), Account: a.PathValue("id"), Name: body.Name, Metadata: tidied(body.Metadata), Created: now}
	if err := team.Validate(); err != nil {
		return nil, err
	}
	ctx, cancel := detach(a.Context())
	defer cancel()
	change, err := c.Store.CreateTeam(ctx, team, a.act(now, "team.create", team.ID))
	if err != nil {
		return nil, err
	}
	answer := showTeam(&team)
	if answer.Behind, err = c.spread(ctx, a, change); err != nil {
		return nil, notTaken("team "+team.ID, err)
	}
	return answer, nil
}

func (c *Control) getTeam(a *ask) (any, error) {
	team, err := c.Store.Team(a.Context(), a.PathValue("id"), a.PathValue("team"))
	if err != nil {
		return nil, err
	}
	return showTeam(&team), nil
}

// listTeams lists teams of an account in the order of their creation, a page at a time.
func (c *Control) listTeams(a *ask) (any, error) {
	most, err := a.number("limit", pageSize, pageSize)
	if err != nil {
		return nil, err
	}
	all, err := c.Store.Teams(a.Context(), a.PathValue("id"), a.query["after"], int(most)+1)
	if err != nil {
		return nil, err
	}
	answer := teamsAnswer{Data: make([]teamAnswer, 0, len(all))}
	if len(all) > int(most) { // one more than asked for: there is a rest
		all = all[:most]
		answer.Next = all[most-1].ID
	}
	for i := range all {
		answer.Data = append(answer.Data, showTeam(&all[i]))
	}
	return answer, nil
}

func (c *Control) patchTeam(a *ask) (any, error) {
	var patch accountPatch
	if err := readBody(a.Request, &patch); err != nil {
		return nil, err
	}
	return c.updateTeam(a, a.act(c.Now(), "team.patch", shortened(a.PathValue("team"))), func(to *fairlead.Team) error {
		if !to.Active() {
			return fairlead.Errorf(fairlead.CodeConflict, "the team is closed")
		}
		set(&to.Name, patch.Name)
		set(&to.Metadata, patch.Metadata)
		to.Metadata = tidied(to.Metadata)
		return to.Validate()
	})
}

// closeTeam closes a team for good; again, it gives the team as it is.
func (c *Control) closeTeam(a *ask) (any, error) {
	act, err := c.ending(a, "team.close", a.PathValue("team"))
	if err != nil {
		return nil, err
	}
	return c.updateTeam(a, act, func(to *fairlead.Team) error {
		if to.Active() {
			to.Closed = act.At
		}
		return nil
	})
}

func (c *Control) updateTeam(a *ask, act fairlead.Act, f func(*fairlead.Team) error) (any, error) {
	ctx, cancel := detach(a.Context())
	defer cancel()
	team, change, err := c.Store.UpdateTeam(ctx, a.PathValue("id"), a.PathValue("team"), act, f)
	if err != nil {
		return nil, err
	}
	answer := showTeam(&team)
	if answer.Behind, err = c.spreadAgain(ctx, a, change, fairlead.ChangeAccount); err != nil {
		return nil, stillAdmits("team "+team.ID+" is changed", "do it again", err)
	}
	c.Log.InfoContext(ctx, "team changed", "team", team.ID, "closed", !team.Active(), "by", a.who.name)
	return answer, nil
}
