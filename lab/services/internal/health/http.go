package health

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"time"
)

// The other service gives its own dependencies Timeout; its answer, which names the one
// that fails, needs a little longer than that.
const serviceTimeout = 1900 * time.Millisecond

// Service is the dependency on another service of the lab, by that one's own /health.
func Service(name, baseURL string, client *http.Client) Dependency {
	check := func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL+"/health", nil)
		if err != nil {
			return fmt.Errorf("the address of %s is no URL: %w", name, err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		return fmt.Errorf("%s answered %d%s", name, resp.StatusCode, reason(resp.Body))
	}
	return Dependency{Name: name, Check: check, Timeout: serviceTimeout}
}

// reason names what fails behind the other service, when its body says so.
func reason(body io.Reader) string {
	var report Report
	if json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&report) != nil {
		return ""
	}
	var failing []string
	for name, state := range report.Dependencies {
		if state.Status != OK {
			failing = append(failing, fmt.Sprintf("%s (%s)", name, state.Error))
		}
	}
	if len(failing) == 0 {
		return ""
	}
	sort.Strings(failing)
	return ": failing: " + strings.Join(failing, ", ")
}
