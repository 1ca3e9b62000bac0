"""PCA: the two directions in which the points differ most."""

import numpy as np
from numpy.typing import NDArray

from kdcore.projection.spaces import Points, Space


def pca_map(space: Space) -> tuple[Points, NDArray[np.float64]]:
    """Return (points, 2) places and the shares of the variance that the two axes hold.

    The same features give the same map: of each axis the largest weight is positive. One feature
    gives a line.
    """
    from sklearn.decomposition import PCA  # a second, which finished maps do not cost

    features = np.asarray(space.features, dtype=np.float64)
    axes = min(2, features.shape[1])
    fitted = PCA(n_components=axes, svd_solver="covariance_eigh").fit(features)
    largest = np.abs(fitted.components_).argmax(axis=1)
    signs = np.sign(fitted.components_[np.arange(axes), largest])
    places = fitted.transform(features) * signs
    shares = fitted.explained_variance_ratio_
    if axes < 2:
        places, shares = np.pad(places, ((0, 0), (0, 1))), np.pad(shares, (0, 1))
    return places.astype(np.float32), shares
