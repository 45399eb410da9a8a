"""What draws random numbers, in the libraries that notebooks use, and what seeds it."""

from __future__ import annotations

_NUMPY = """
beta binomial bytes chisquare choice dirichlet exponential f gamma geometric gumbel hypergeometric laplace logistic
lognormal logseries multinomial multivariate_normal negative_binomial noncentral_chisquare noncentral_f normal pareto
permutation poisson power rand randint randn random random_integers random_sample ranf rayleigh sample shuffle
standard_cauchy standard_exponential standard_gamma standard_normal standard_t triangular uniform vonmises wald
weibull zipf
"""
_RANDOM = """
betavariate choice choices expovariate gammavariate gauss getrandbits lognormvariate normalvariate paretovariate
randbytes randint random randrange sample shuffle triangular uniform vonmisesvariate weibullvariate
"""
_TORCH = """
bernoulli multinomial normal poisson rand rand_like randint randint_like randn randn_like randperm
"""
_TORCH_LAYERS = """
Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Embedding EmbeddingBag GRU GRUCell LSTM
LSTMCell Linear MultiheadAttention RNN RNNCell Transformer TransformerDecoderLayer TransformerEncoderLayer
"""
_TENSORFLOW = """
categorical gamma normal poisson shuffle truncated_normal uniform
"""
# of scikit-learn and its like
_ESTIMATORS = """
AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor BayesianGaussianMixture BernoulliRBM
BisectingKMeans DecisionTreeClassifier DecisionTreeRegressor DictionaryLearning ExtraTreeClassifier ExtraTreeRegressor
ExtraTreesClassifier ExtraTreesRegressor FastICA GaussianMixture GaussianRandomProjection GradientBoostingClassifier
GradientBoostingRegressor GroupShuffleSplit HistGradientBoostingClassifier HistGradientBoostingRegressor
IsolationForest IterativeImputer KMeans LatentDirichletAllocation MDS MLPClassifier MLPRegressor
MiniBatchDictionaryLearning MiniBatchKMeans MiniBatchNMF MiniBatchSparsePCA Nystroem PassiveAggressiveClassifier
PassiveAggressiveRegressor Perceptron RANSACRegressor RBFSampler RandomForestClassifier RandomForestRegressor
RandomTreesEmbedding RandomizedSearchCV RepeatedKFold RepeatedStratifiedKFold SGDClassifier SGDOneClassSVM
SGDRegressor ShuffleSplit SparsePCA SparseRandomProjection SpectralClustering StratifiedShuffleSplit TSNE
TheilSenRegressor TruncatedSVD make_biclusters make_blobs make_checkerboard make_circles make_classification
make_friedman1 make_friedman2 make_friedman3 make_gaussian_quantiles make_hastie_10_2 make_low_rank_matrix make_moons
make_multilabel_classification make_regression make_s_curve make_sparse_coded_signal make_sparse_uncorrelated
make_spd_matrix make_swiss_roll mutual_info_classif mutual_info_regression permutation_importance randomized_svd
resample shuffle train_test_split ADASYN BorderlineSMOTE KMeansSMOTE RandomOverSampler RandomUnderSampler SMOTE
SMOTEENN SMOTENC SMOTETomek SVMSMOTE BalancedBaggingClassifier BalancedRandomForestClassifier EasyEnsembleClassifier
RUSBoostClassifier
"""

OWN = {
    **{f"numpy.random.{name}": "numpy" for name in _NUMPY.split()},
    **{f"random.{name}": "random" for name in _RANDOM.split()},
    **{f"torch.{name}": "torch" for name in _TORCH.split()},
    **{f"tensorflow.random.{name}": "tensorflow" for name in _TENSORFLOW.split()},
}
"""Functions that draw from a generator of their module, with its family."""

LAYERS = frozenset(f"torch.nn.{name}" for name in _TORCH_LAYERS.split())
"""Layers of torch, whose first weights are random."""

GENERATORS = frozenset(
    {"random.Random"}
    | {f"numpy.random.{name}" for name in "default_rng RandomState PCG64 PCG64DXSM MT19937 Philox SFC64".split()}
)
"""Classes and functions that make a generator from a seed."""

SEEDS = {
    "numpy.random.seed": "numpy",
    "numpy.random.set_state": "numpy",
    "random.seed": "random",
    "random.setstate": "random",
    "torch.manual_seed": "torch",
    "torch.random.manual_seed": "torch",
    "torch.set_rng_state": "torch",
    "tensorflow.random.set_seed": "tensorflow",
}
SEEDS_ALL = frozenset({"seed_everything", "set_random_seed", "set_seed"})
"""Functions of Lightning, Keras and transformers, and of many notebooks, that seed every generator."""

PACKAGES = ("sklearn.", "imblearn.")
ALWAYS = frozenset(_ESTIMATORS.split())
"""Of these packages, what draws without being asked to."""

WHEN = {
    "KFold": ("shuffle", (True,)),
    "StratifiedKFold": ("shuffle", (True,)),
    "StratifiedGroupKFold": ("shuffle", (True,)),
    "LogisticRegression": ("solver", ("sag", "saga", "liblinear")),
    "Ridge": ("solver", ("sag", "saga")),
    "RidgeClassifier": ("solver", ("sag", "saga")),
    "Lasso": ("selection", ("random",)),
    "ElasticNet": ("selection", ("random",)),
    "PCA": ("svd_solver", ("randomized",)),
    "NMF": ("init", ("random",)),
    "SVC": ("probability", (True,)),
    "NuSVC": ("probability", (True,)),
    "DummyClassifier": ("strategy", ("stratified", "uniform")),
}
"""What draws only when an argument has one of these values."""
