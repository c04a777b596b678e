# Reference values for tests of pairs; run once: Rscript tests/reference/pairs.R
# R 4.2 with boot, coin and exactRankTests. Writes pairs.csv (name,value) beside this script.
suppressPackageStartupMessages({library(boot); library(coin); library(exactRankTests)})
set.seed(20251021)
out <- data.frame(name = character(), value = numeric())
put <- function(name, value) out <<- rbind(out, data.frame(name = name, value = as.numeric(value)))

# Tango by another route than the library's: the constrained likelihood is maximised numerically.
tango_z <- function(g, l, n, d) {
  loglik <- function(p) {
    term <- function(k, q) if (k == 0) 0 else k * log(q)
    term(g, p + d) + term(l, p) + term(n - g - l, 1 - 2 * p - d)
  }
  lower <- max(0, -d); upper <- (1 - d) / 2
  p <- optimize(loglik, c(lower, upper), maximum = TRUE, tol = 1e-14)$maximum
  (g - l - n * d) / sqrt(n * (2 * p + d * (1 - d)))
}
tango <- function(g, l, n, level = .95) {
  z <- qnorm((1 + level) / 2); e <- (g - l) / n
  c(uniroot(function(d) tango_z(g, l, n, d) - z, c(-1 + 1e-9, e - 1e-9), tol = 1e-13)$root,
    uniroot(function(d) tango_z(g, l, n, d) + z, c(e + 1e-9, 1 - 1e-9), tol = 1e-13)$root)
}
midp <- function(g, l) min(1, 2 * pbinom(min(g, l), g + l, .5) - dbinom(min(g, l), g + l, .5))

tables <- list(c(40,20,160), c(4,2,86), c(0,11,86), c(7,18,86), c(8,19,86), c(1,7,50), c(0,4,50),
               c(10,21,100), c(42,62,400), c(0,0,30), c(3,3,43), c(120,90,1319))
for (t in tables) {
  g <- t[1]; l <- t[2]; n <- t[3]; key <- paste(t, collapse = "_")
  ci <- tango(g, l, n); put(paste0("tango_low_", key), ci[1]); put(paste0("tango_high_", key), ci[2])
  ci <- tango(g, l, n, .9); put(paste0("tango90_low_", key), ci[1]); put(paste0("tango90_high_", key), ci[2])
  put(paste0("tost_", key), max(pnorm(-tango_z(g, l, n, -.05)), pnorm(tango_z(g, l, n, .05))))
  put(paste0("midp_", key), midp(g, l))
  if (g + l > 0) {
    b <- binom.test(g, g + l)
    put(paste0("sign_", key), b$p.value)
    put(paste0("share_low_", key), b$conf.int[1]); put(paste0("share_high_", key), b$conf.int[2])
    m <- matrix(c(n - g - l, l, g, 0), 2)
    put(paste0("chi2_", key), mcnemar.test(m, correct = FALSE)$p.value)
    before <- rep(c(0, 1, 1), c(g, l, n - g - l)); after <- rep(c(1, 0, 1), c(g, l, n - g - l))
    long <- data.frame(y = factor(c(before, after)), x = factor(rep(1:2, each = n)),
                       problem = factor(rep(seq_len(n), 2)))
    put(paste0("coin_", key), pvalue(mh_test(y ~ x | problem, data = long)))
    d <- binom.test(g + l, n)$conf.int
    put(paste0("rate_low_", key), d[1]); put(paste0("rate_high_", key), d[2])
  }
}
w <- prop.test(28, 86, correct = FALSE)$conf.int
put("wilson_low_28_86", w[1]); put("wilson_high_28_86", w[2])

# Permutation of a metric: whole-number differences, enumerated.
x <- c(3, 7, -2, 5, 1, 8, -4, 6, 2, 9, -1, 4)
put("perm_exact", perm.test(x, rep(0, length(x)), paired = TRUE, exact = TRUE)$p.value)

# Power by a double sum over all tables.
power <- function(n, effect, disc, test) {
  pg <- (disc + effect) / 2; pl <- (disc - effect) / 2; total <- 0
  for (g in 0:n) for (l in 0:(n - g)) if (test(g, l) <= .05)
    total <- total + dmultinom(c(g, l, n - g - l), prob = c(pg, pl, 1 - disc))
  total
}
exact <- function(g, l) if (g + l == 0) 1 else min(1, 2 * pbinom(min(g, l), g + l, .5))
put("power_midp_50", power(50, .05, .15, midp)); put("power_exact_50", power(50, .05, .15, exact))
put("power_midp_100", power(100, .05, .15, midp)); put("power_exact_100", power(100, .05, .15, exact))

# Bootstrap of a skewed metric; 199,999 resamples leave a Monte-Carlo error of about .002.
skewed <- round(rexp(60)^1.5, 4)
for (i in seq_along(skewed)) put(sprintf("skewed_%02d", i), skewed[i])
b <- boot(skewed, function(d, i) mean(d[i]), R = 199999)
ci <- boot.ci(b, type = c("perc", "bca"))
put("boot_perc_low", ci$percent[4]); put("boot_perc_high", ci$percent[5])
put("boot_bca_low", ci$bca[4]); put("boot_bca_high", ci$bca[5])
here <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
write.csv(format(out, digits = 15), file.path(dirname(here), "pairs.csv"), row.names = FALSE, quote = FALSE)
