package kafka

import "testing"

func TestWatch(t *testing.T) {
	none, a, b := ID{}, ID{1}, ID{2}
	tests := map[string]struct {
		ids  []ID
		want []TopicState
	}{
		"missing, then created": {[]ID{none, none, a, a}, []TopicState{Missing, Missing, Same, Same}},
		"recreated":             {[]ID{a, b, b, b}, []TopicState{Same, Unsure, Replaced, Same}},
		"deleted":               {[]ID{a, none, none, none, b}, []TopicState{Same, Unsure, Replaced, Missing, Same}},
		"one broker is behind":  {[]ID{a, none, a, none, a}, []TopicState{Same, Unsure, Same, Unsure, Same}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var watch Watch
			for i, id := range test.ids {
				if got := watch.see(id); got != test.want[i] {
					t.Fatalf("step %d: %v, want %v", i, got, test.want[i])
				}
			}
		})
	}
}
