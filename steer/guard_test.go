package steer_test

import (
	"strings"
	"testing"

	"fairlead"
	"fairlead/steer"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":               "",
		" \t\n":          "",
		"error_rate<2%":  "error_rate<2%",
		"error_rate<.5%": "error_rate<0.5%",
		"  error_rate < 02.50%  and\n ttft_p95\t<1.50x ":   "error_rate<2.5% and ttft_p95<1.5x",
		"ttft_p50<800ms and ttft_p95<1.5s and ttft_p99<1h": "ttft_p50<800ms and ttft_p95<1.5s and ttft_p99<1h0m0s",
		"tpot_p50<20ms and tpot_p95<0.9x":                  "tpot_p50<20ms and tpot_p95<0.9x",
		"ttft_p95<1.5x and ttft_p95<2s":                    "ttft_p95<1.5x and ttft_p95<2s",
		"error_rate<100x and refusal_rate<99.9%":           "error_rate<100x and refusal_rate<99.9%",
		"error_rate<2% and error_rate<3%":                  "at character 19, \"error_rate<3%\": error_rate is bounded before by 2%",
		"error_rates<2%":                                   "at character 1, \"error_rates<2%\": a metric is one of error_rate, refusal_rate, ttft_p50, ttft_p95, ttft_p99, tpot_p50, tpot_p95",
		"Error_rate<2%":                                    "at character 1, \"Error_rate<2%\": a metric is one of",
		"error_rate":                                       "at its end: the one comparison is <",
		"error_rate>2%":                                    "at character 11, \">2%\": the one comparison is <",
		"error_rate<=2%":                                   "at character 12, \"=2%\": error_rate is bounded by a percentage",
		"error_rate<":                                      "at its end: error_rate is bounded by",
		"error_rate<2":                                     "at character 12, \"2\": error_rate is bounded by a percentage such as 2%, or by a ratio",
		"error_rate<2 %":                                   "at character 12, \"2 %\"",
		"error_rate<0%":                                    "at character 12",
		"error_rate<100%":                                  "at character 12",
		"error_rate<-1%":                                   "at character 12",
		"error_rate<1e-1%":                                 "at character 12",
		"error_rate<0x1x":                                  "at character 12",
		"error_rate<NaNx":                                  "at character 12",
		"error_rate<1.2.3%":                                "at character 12",
		"error_rate<101x":                                  "at character 12",
		"error_rate<0.00000000000000000001%":               "at character 12",
		"error_rate<800ms":                                 "at character 12",
		"ttft_p95<2%":                                      "at character 10, \"2%\": ttft_p95 is bounded by a time such as 800ms, or by a ratio to the peers such as 1.5x",
		"ttft_p95<0s":                                      "at character 10",
		"ttft_p95<-1s":                                     "at character 10",
		"ttft_p95<61m":                                     "at character 10",
		"ttft_p95<800":                                     "at character 10",
		"error_rate<2% or ttft_p95<1.5x":                   "at character 15, \"or ttft_p95<1.5x\": conditions are joined by `and`",
		"error_rate<2%, ttft_p95<1.5x":                     "at character 12",
		"error_rate<2% and":                                "at its end: a metric is one of",
		"error_rate<2% and and ttft_p95<2s":                "at character 19",
		"é<2%":                                             "at character 1",
		"error_rate<2%" + strings.Repeat(" ", 600):         "at character 501, \"                    …\": a guard has at most 500 characters",
		"error_rate<2% and a_metric_with_a_very_long_name_nobody<": "\"a_metric_with_a_very…\"",
	} {
		g, err := steer.Parse(text)
		if err == nil {
			if got := g.String(); got != want || g.Empty() != (want == "") {
				t.Errorf("%q reads as %q, want %q", text, got, want)
			}
			continue
		}
		if e := fairlead.AsError(err); e.Code != fairlead.CodeInvalidRequest || e.Param != "guard" || !strings.Contains(e.Message, want) || want == "" {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzParse holds that what is read is written in one form, which reads as the same, and that errors are the caller's.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"error_rate<2% and ttft_p95<1.5x", "ttft_p50<800ms", "tpot_p95 < 0.1x\tand refusal_rate<1%", "error_rate<", "a", "<<<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := steer.Parse(text)
		if err != nil {
			if fairlead.AsError(err).Code != fairlead.CodeInvalidRequest {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		once := g.String()
		again, err := steer.Parse(once)
		if err != nil || again.String() != once {
			t.Fatalf("%q reads as %q, which reads as %q, %v", text, once, again, err)
		}
	})
}
