# Reference values for tests/analysis/test_controls.py, test_families.py and test_strata.py.
# Run once: Rscript tests/reference/controls.R > tests/reference/controls.csv (R 4, effectsize).
show <- function(name, values) {
  cat(sprintf("%s,%d,%s\n", name, seq_along(values), format(values, digits = 15, trim = TRUE)),
      sep = "")
}
cat("name,index,value\n")

p <- c(.001, .013, .021, .04, .2, .6)
for (m in c("holm", "BH", "BY")) {
  show(paste0("adjust_", tolower(m)), p.adjust(p, m))
  show(paste0("adjust9_", tolower(m)), p.adjust(p, m, n = 9))
}

# The report's five controls and candidate, as counts of 86 problems.
x <- -11
controls <- c(-1, -2, -5, -10, -11)
k <- length(controls)
d <- (x - mean(controls)) / sd(controls)
t <- d / sqrt(1 + 1 / k)
show("crawford_howell_p", 2 * pt(-abs(t), k - 1))
show("prediction", mean(controls) + c(-1, 1) * qt(.975, k - 1) * sd(controls) * sqrt(1 + 1 / k))
ncp <- function(t, df) sapply(c(.975, .025), function(q)
  uniroot(function(v) pt(t, df, v) - q, c(-40, 40), tol = 1e-12)$root)
show("d_fixed", ncp(sqrt(k) * d, k - 1) / sqrt(k))
show("d_random", ncp(t, k - 1) * sqrt(1 + 1 / k))
suppressMessages(library(effectsize))
effect <- cohens_d(controls, mu = x, ci = .95)
show("effectsize_d", c(-effect$Cohens_d, -effect$CI_high, -effect$CI_low))
show("effectsize_g", -hedges_g(controls, mu = x)$Hedges_g)
show("one_sample_t", t.test(100 / 86 * controls, mu = 100 / 86 * x)$p.value)

# Power of Crawford-Howell for a gap of 3 SD, k = 5, 10, 20.
for (k in c(5, 10, 20)) {
  fixed <- qt(.975, k - 1) * sqrt(k + 1)
  random <- qt(.975, k - 1)
  ncp_fixed <- 3 * sqrt(k)
  ncp_random <- 3 / sqrt(1 + 1 / k)
  show(paste0("power", k), c(
    1 - pt(fixed, k - 1, ncp_fixed) + pt(-fixed, k - 1, ncp_fixed),
    1 - pt(random, k - 1, ncp_random) + pt(-random, k - 1, ncp_random)))
}

# Homogeneity of gained : lost over strata.
strata <- list(c(4, 1, 2, 8), c(4, 1, 2, 8, 0, 3), c(7, 2, 5, 5, 1, 9, 3, 3), c(12, 5, 9, 14, 6, 6, 1, 10))
for (i in seq_along(strata)) {
  table <- matrix(strata[[i]], nrow = 2)
  show(paste0("freeman_halton", i), fisher.test(table)$p.value)
  show(paste0("chisq", i), suppressWarnings(chisq.test(table, correct = FALSE)$p.value))
}
