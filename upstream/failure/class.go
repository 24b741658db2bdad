package failure

import "fairlead"

// class is what a row of the tables leads to: the part of a Verdict that does not depend on the answer's
// numbers.
type class struct {
	outcome fairlead.Outcome
	retry   Retry
	health  Health
	long    bool
	account bool
	unsure  bool
	mend    Mend
	dim     string
}

const anywhere = Same | Elsewhere | Fallback

// The canonical classes.
var (
	badKey     = class{outcome: fairlead.OutcomeCredential, retry: Elsewhere | Fallback, health: Credential, account: true}
	noMoney    = class{outcome: fairlead.OutcomeQuota, retry: Elsewhere | Fallback, health: Credential, long: true, account: true}
	limited    = class{outcome: fairlead.OutcomeRateLimited, retry: anywhere, health: Capacity}
	overTier   = class{outcome: fairlead.OutcomeOverTier, retry: Elsewhere | Fallback}
	tooLong    = class{outcome: fairlead.OutcomeContext, retry: LargerContext}
	filtered   = class{outcome: fairlead.OutcomeFilter}
	noModel    = class{outcome: fairlead.OutcomeModel, retry: Elsewhere | Fallback, health: Configuration}
	overloaded = class{outcome: fairlead.OutcomeOverloaded, retry: anywhere, health: Failure}
	serverSide = class{outcome: fairlead.OutcomeServerError, retry: anywhere, health: Failure}
	slow       = class{outcome: fairlead.OutcomeTimeout, retry: Elsewhere | Fallback, health: Failure}
	abroad     = class{outcome: fairlead.OutcomeRegion, retry: Elsewhere | Fallback, health: Egress}
	caller     = class{outcome: fairlead.OutcomeCallerFault}
	large      = class{outcome: fairlead.OutcomeTooLarge}
	unusable   = class{outcome: fairlead.OutcomeGeneration, retry: Same | Fallback}
	left       = class{outcome: fairlead.OutcomeCallerGone}
	broken     = class{outcome: fairlead.OutcomeConnect, retry: Elsewhere | Fallback, health: Failure}
	malformed  = class{outcome: fairlead.OutcomeMalformed, retry: anywhere, health: Failure}
)

// at gives the class with another place to retry.
func (c class) at(r Retry) class { c.retry = r; return c }

// is gives the class with another health.
func (c class) is(h Health) class { c.health = h; return c }

// mended gives the class with a mend.
func (c class) mended(m Mend) class { c.mend = m; return c }

// once gives the class of what one answer does not prove.
func (c class) once() class { c.unsure = true; return c }

// of gives the class of a limit whose dimension is known.
func (c class) of(dimension string) class { c.dim = dimension; return c }

// byBreak says what a break without words means.
var byBreak = [...]class{
	BreakUnknown:   broken,
	BreakConnect:   broken,
	BreakStale:     broken.at(Same).is(Nothing),
	BreakTimeout:   slow,
	BreakMalformed: malformed,
	BreakTruncated: malformed,
	BreakEmpty:     malformed.at(Elsewhere | Fallback).is(Nothing), // a stop sequence of the caller's may have cut it at once
	BreakUnasked:   malformed.at(Elsewhere | Fallback).is(Nothing), // the caller asked for a stream where there is none
	BreakLeft:      left,
}

// statusRow says what a status means where nothing else does.
type statusRow struct {
	from, to int
	class
}

// byStatus is looked at from the top; the last row of a hundred takes what is left of it. A status alone does
// not prove that a credential, a mapping or an address is bad: a request can bring about a 403 or a 404 by
// what it refers to, such as a file.
var byStatus = []statusRow{
	{401, 401, badKey},
	{402, 402, noMoney},
	{403, 403, badKey.once()},
	{404, 404, noModel.once()},
	{405, 405, noModel.at(0).once()},
	{408, 408, slow},
	{409, 409, serverSide.at(Same | Elsewhere).is(Nothing)},
	{410, 410, noModel.once()},
	{412, 412, noModel.once()},
	{413, 413, large},
	{423, 423, serverSide.at(Same).is(Nothing)},
	{424, 424, serverSide.at(Elsewhere | Fallback)},
	{425, 425, serverSide.at(Same).is(Nothing)},
	{429, 429, limited},
	{451, 451, abroad.once()},
	{499, 499, left},
	{400, 499, caller},
	{501, 501, noModel.at(0).once()},
	{504, 504, slow.at(anywhere)},
	{507, 511, serverSide.at(Elsewhere | Fallback)},
	{524, 524, slow.at(anywhere)},
	{529, 529, overloaded.is(Light)},
	{500, 599, serverSide},
}

// ofStatus finds the class of a status. One that is no error's is an answer in a form that was not asked
// for.
func ofStatus(status int) class {
	for _, row := range byStatus {
		if status >= row.from && status <= row.to {
			return row.class
		}
	}
	return malformed
}
